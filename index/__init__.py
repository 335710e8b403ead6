"""Documents to a searchable index on disk; imports nothing of ``qa`` or ``ui``."""

"""Documents to a searchable index on disk; imports nothing of ``qa`` or ``ui``."""

import os

# onnxruntime reads it when it is imported, and would note down what runs here and send it to its maker.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

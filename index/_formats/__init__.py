"""One module a format: the bytes of a file to text and what is known about it.

Pure functions, run inside the sandbox (``_sandbox.py``) for all that can be made to take all memory or
all day; so nothing here imports numpy, and each library is imported by the function that needs it.
"""

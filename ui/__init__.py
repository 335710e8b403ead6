"""The web chat. Importing it loads no Gradio; ``ui.app`` does."""

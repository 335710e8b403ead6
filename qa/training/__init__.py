"""How the reader's weights and the confidence model were made; needs the ``train`` extra."""

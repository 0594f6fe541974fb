"""How much to draft, and how deep: by the settings, or by what pays here with this text."""

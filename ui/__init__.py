"""The tabs of the page and the player's server side; knows no model and draws no figure."""

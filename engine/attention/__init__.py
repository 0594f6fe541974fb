"""How the nodes of a tree attend: by which kernel, behind which mask, and with how much mass."""

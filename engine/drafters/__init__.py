"""One file per drafting method, one protocol."""

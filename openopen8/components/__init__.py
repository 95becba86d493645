"""Building blocks of the pages; each says in its docstring how it is used."""

"""The commands of `metaart` that are made from the descriptions of the arts."""

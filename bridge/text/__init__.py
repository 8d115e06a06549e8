"""Pure text: fold, split, repair, compare."""

"""What was said and done, as cells: values that give their rows at any width."""

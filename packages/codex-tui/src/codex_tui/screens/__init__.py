"""Questions and pickers that stand in place of the composer, as models without widgets; and the pager."""

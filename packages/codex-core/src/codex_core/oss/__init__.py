"""Models on this machine: is their server there, and does it have the model (`--oss`)."""

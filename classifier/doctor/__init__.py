"""What `illsort doctor` finds out about this machine; it changes no file of a person and starts no training."""

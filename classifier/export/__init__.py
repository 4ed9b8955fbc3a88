"""What illsort knows, written for other programs: tables of a library, networks. Reads; changes no library."""

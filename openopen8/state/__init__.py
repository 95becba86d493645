"""What pages know and do, one noun per file. Every public method is callable by any client: see guard.py."""

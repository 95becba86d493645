"""The seed page, sentence by sentence, against the real server with two workers."""

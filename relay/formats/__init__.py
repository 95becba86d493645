"""Wire formats of chat, each ignorant of the others."""

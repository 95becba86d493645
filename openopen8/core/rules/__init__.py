"""Pure decisions: no input, no output, no clock, no random source of their own."""

"""The Responses API's memory: answers that later requests go on from, are read again, cancelled or deleted."""

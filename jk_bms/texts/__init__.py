"""Words for people, in their language: a catalogue for each, and what is composed of them."""

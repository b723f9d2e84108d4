"""The programs: what people chat with. They do the input and output for chatproto."""

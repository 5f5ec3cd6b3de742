"""The outbox: news for people, written in the transaction that made it; nothing below calls this."""

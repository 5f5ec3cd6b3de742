"""Nothing listens here, on purpose: a feed sees by a stored event's stamp that its booking has changed.

If they were dropped inside the booking's own transaction, somebody who books might wait for a feed.
"""

"""People, their organisations and projects, how they sign in, and the mechanism of who may do what."""

"""Training modules, people's competences and permits: stored and shown."""

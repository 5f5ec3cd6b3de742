"""The words of training: levels, outcomes of a session, and the times at which a permit is needed."""

LEVELS = ("trainee", "competent", "trainer")
OUTCOMES = ("passed", "practice", "failed", "absent")
OUTCOME_WORDS = {
    "passed": "Passed: competent",
    "practice": "Needs practice: may work with a supervisor",
    "failed": "Failed",
    "absent": "Did not come",
}
LEVEL_WORDS = {
    "trainee": "Trainee: with a supervisor",
    "competent": "Competent",
    "trainer": "Trainer",
}
TIMES = ("always", "out_of_hours", "overnight")
TIMES_WORDS = {
    "always": "For every booking",
    "out_of_hours": "When people are there outside staffed hours",
    "overnight": "When it runs past the end of a working day",
}


def reaches(level: str, asked: str) -> bool:
    """Tell whether a level is the asked one or higher."""
    return LEVELS.index(level) >= LEVELS.index(asked)

"""The kinds of mail, what each says first, and the topics that people choose about."""

from dataclasses import dataclass

NOW, DIGEST, NONE = "now", "digest", "none"
WAYS = {NOW: "At once", DIGEST: "In the daily digest", NONE: "Not at all"}


@dataclass(frozen=True)
class Topic:
    """Mails about which a person decides together; what somebody must learn of can only be put off."""

    label: str
    hint: str
    ways: tuple[str, ...] = (NOW, DIGEST, NONE)


TOPICS = {
    "own": Topic("What I do myself", "A copy when you book, change or cancel something."),
    "bookings": Topic("Bookings that others make for me", "Somebody books or asks for you.", (NOW, DIGEST)),
    "answers": Topic("Answers to requests", "Approved, declined, or expired unanswered.", (NOW, DIGEST)),
    "changes": Topic(
        "Changes by others", "Moved, changed, cancelled or ended early, with the reason.", (NOW, DIGEST)
    ),
    "offers": Topic("Offers from the waiting list", "They are held for a stated time only.", (NOW,)),
    "training": Topic(
        "Training and permits",
        "What ends in 60, 30 and 7 days, and sessions that are called off.",
        (NOW, DIGEST),
    ),
    "reminders": Topic("Reminders", "A day before each booking starts."),
    "requests": Topic("Requests that wait for me", "Somebody asks for what needs your approval."),
}


@dataclass(frozen=True)
class Kind:
    """One kind of mail. A kind without a topic is always sent at once."""

    topic: str
    subject: str
    lead: str


KINDS = {
    "booking_confirmed": Kind("bookings", "Confirmed", "{who} made this booking; it is confirmed."),
    "booking_requested": Kind(
        "bookings", "Requested", "{who} asked for this booking. Its time is held until the facility answers."
    ),
    "booking_approved": Kind("answers", "Approved", "{who} approved this request: the booking is confirmed."),
    "booking_declined": Kind("answers", "Declined", "{who} declined this request. Its time is free again."),
    "booking_expired": Kind(
        "answers",
        "Expired",
        "Nobody answered this request in time, so it was declined. Its time is free again.",
    ),
    "booking_changed": Kind("changes", "Changed", "{who} changed this booking."),
    "booking_left": Kind("changes", "No longer yours", "{who} took you out of this booking."),
    "booking_cancelled": Kind(
        "changes", "Cancelled", "{who} cancelled this booking. Its time is free again."
    ),
    "booking_restored": Kind("changes", "On again", "{who} took the cancellation of this booking back."),
    "booking_ended": Kind("changes", "Ended early", "{who} ended this booking before its time."),
    "offer_made": Kind(
        "offers",
        "Offered to you",
        "What you wait for became free and is held for you until {until}: accept it, or give it up.",
    ),
    "offer_expired": Kind(
        "offers",
        "Offer ran out",
        "You did not accept this offer in time, so it was passed on. You may join the waiting list again.",
    ),
    "booking_reminder": Kind("reminders", "Reminder", "This booking starts within a day."),
    "request_waiting": Kind(
        "requests", "Please answer", "{who} asks for this booking: approve or decline it."
    ),
    "request_escalated": Kind(
        "requests",
        "Please answer now",
        "Nobody answered this request in time: approve or decline it before it expires.",
    ),
    "series_confirmed": Kind("bookings", "Confirmed", "{who} made these bookings; they are confirmed."),
    "series_requested": Kind(
        "bookings",
        "Requested",
        "{who} asked for these bookings. Their times are held until the facility answers each.",
    ),
    "series_changed": Kind("changes", "Changed", "{who} changed these bookings of a series."),
    "series_left": Kind("changes", "No longer yours", "{who} took you out of these bookings."),
    "series_cancelled": Kind(
        "changes", "Cancelled", "{who} cancelled these bookings. Their times are free again."
    ),
    "series_waiting": Kind(
        "requests", "Please answer", "{who} asks for these bookings: approve or decline each."
    ),
    "competence_ends": Kind(
        "training",
        "Ends soon",
        "This certificate of yours ends in {days} days. Bookings need it through their end.",
    ),
    "permit_ends": Kind(
        "training", "Ends soon", "This permit ends in {days} days. Bookings need it through their end."
    ),
    "session_called_off": Kind(
        "training", "Called off", "{who} called this session off. Your place in it is gone with it."
    ),
    "digest": Kind("", "Your digest", "What happened since the last digest."),
    "password_reset": Kind(
        "",
        "Set a new password",
        "Somebody, probably you, asked for a new password for this account. Choose one within two hours. "
        "If it was not you, do nothing: your password stays as it is.",
    ),
    "invitation": Kind(
        "",
        "Your account",
        "An account was made for you. Choose a password within seven days, and you can sign in.",
    ),
}
LINKS = ("password_reset", "invitation")
OFFERS = ("offer_made", "offer_expired")
ANSWERABLE = ("request_waiting", "request_escalated")


def topic_of(kind: str, own: bool) -> str:
    """Return the topic of a mail, or an empty text for one that is always sent at once."""
    topic = KINDS[kind].topic
    return "own" if own and topic in ("bookings", "answers", "changes") else topic

"""Why an attempt to send a mail failed."""


class MailFailure(Exception):
    """`code` is short and free of personal data, for logs; `text` is what the server said, for the staff.

    `is_final`: another attempt would fail as well. `stops_others`: other mails would fail now, too, as when the server
    can't be reached. `retry_after` is in seconds."""

    def __init__(
        self, code: str, text: str, *, is_final: bool = False, stops_others: bool = False, retry_after: float = 0
    ) -> None:
        super().__init__(code)
        self.code = code
        self.text = text
        self.is_final = is_final
        self.stops_others = stops_others
        self.retry_after = retry_after

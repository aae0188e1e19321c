"""Sends by a provider's HTTP API: Postmark and Resend. Free hosts block the ports of SMTP."""

import time
from typing import TYPE_CHECKING, Any

from storefront.mail.failures import MailFailure
from storefront.mail.messages import OutgoingMail
from storefront.mail_settings import MailServer
from storefront.outside_json import read_json

if TYPE_CHECKING:
    import httpx2

TIMEOUT_SECONDS = 10.0
"""For each step of a request, and for the response as a whole."""
MAX_RESPONSE_BYTES = 64 * 1024
CONFIGURATION = (401, 403, 404)
"""Statuses that say that the token, the sender or the URL is wrong. The operator can repair that, and then the mails go
out."""


class HttpTransport:
    def __init__(self, server: MailServer) -> None:
        self.server = server
        self._client: httpx2.Client | None = None

    def _post(self, path: str, body: dict[str, Any], headers: dict[str, str]) -> tuple[int, dict[str, Any], float]:
        """Return the response's status, its JSON object ({} for anything else), and the seconds of its Retry-After.
        Raises `MailFailure` without a response in time."""
        import httpx2  # noqa: PLC0415 - who sends by SMTP needn't load it

        if self._client is None:
            self._client = httpx2.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=False)
        url, end = self.server.api_base + path, time.monotonic() + TIMEOUT_SECONDS
        content = b""
        try:
            with self._client.stream("POST", url, json=body, headers=headers) as response:
                for part in response.iter_bytes():
                    content += part
                    if time.monotonic() > end:
                        raise httpx2.ReadTimeout("the response took too long")
                    if len(content) > MAX_RESPONSE_BYTES:
                        break
                return response.status_code, json_object(content), seconds(response.headers.get("Retry-After", ""))
        except httpx2.TimeoutException:
            raise MailFailure("timeout", "The provider didn't answer in time.", stops_others=True) from None
        except httpx2.HTTPError as fault:
            raise MailFailure("no_connection", f"{type(fault).__name__}: {fault}", stops_others=True) from None

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


class PostmarkTransport(HttpTransport):
    """Postmark has no idempotency key: after a lost response a mail may go out twice, with the same Message-ID."""

    def send(self, mail: OutgoingMail) -> str | None:
        own = {**mail.headers, "Message-ID": mail.message_id, "X-PM-KeepID": "true"}
        body = {
            "From": mail.sender_header,
            "To": mail.recipient,
            "Subject": mail.subject,
            "TextBody": mail.text,
            "HtmlBody": mail.html,
            "MessageStream": "outbound",
            "Headers": [{"Name": name, "Value": value} for name, value in own.items()],
        }
        if mail.reply_to:
            body["ReplyTo"] = mail.reply_to
        headers = {"X-Postmark-Server-Token": self.server.token, "Accept": "application/json"}
        status, answer, wait = self._post("/email", body, headers)
        if status == 200 and answer.get("ErrorCode", 0) == 0:
            return answer.get("MessageID")
        raise failure(status, f"{answer.get('ErrorCode', '')} {answer.get('Message', '')}", wait)


class ResendTransport(HttpTransport):
    def send(self, mail: OutgoingMail) -> str | None:
        """A key that came before with another content means that the mail went out at an earlier attempt, whose
        response was lost; the order or the shop has changed since."""
        body = {
            "from": mail.sender_header,
            "to": [mail.recipient],
            "subject": mail.subject,
            "text": mail.text,
            "html": mail.html,
            "headers": mail.headers,
        }
        if mail.reply_to:
            body["reply_to"] = mail.reply_to
        headers = {"Authorization": f"Bearer {self.server.token}", "Idempotency-Key": mail.key}
        status, answer, wait = self._post("/emails", body, headers)
        if status in (200, 201):
            return answer.get("id")
        if status == 409 and answer.get("name") == "invalid_idempotent_request":
            return None
        raise failure(status, str(answer.get("message", "")), wait, is_conflict=status == 409)


def failure(status: int, text: str, retry_after: float, is_conflict: bool = False) -> MailFailure:
    """A conflict says that another request with the same key is being handled."""
    is_busy = status in (408, 429) or status >= 500
    is_temporary = is_busy or is_conflict or status in CONFIGURATION or status < 400
    return MailFailure(
        f"http_{status}",
        f"{status} {text.strip()}".strip(),
        is_final=not is_temporary,
        stops_others=is_temporary and not is_conflict,
        retry_after=retry_after,
    )


def json_object(content: bytes) -> dict[str, Any]:
    try:
        found = read_json(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def seconds(header: str) -> float:
    """Return the seconds of a Retry-After, at most an hour; 0 for none, or a date."""
    return min(float(header), 3600.0) if header.isascii() and header.isdigit() else 0.0

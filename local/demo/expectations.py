"""What a recording must have done; the demo says what it did not, and fails."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from local.demo.scene import EMAIL_ADDRESS, RECORDER, Site
from local.demo.story import TAG_PREFIX, Recording

# What a normal recording may cost: AWS bills the states entered.
MOST_STATES = 11
# Where an e-mail says who caused the spike, to a reader with two minutes.
_LINES_OF_ANSWER = 5
# What the e-mail says of a spike's end.
_ENDINGS = {"ends": "is back below the threshold", "timeout": "The recording time of"}


@dataclass
class Expectations:
    """Sentences about what did not happen as it should."""

    unmet: list[str] = field(default_factory=list)

    def check(self, holds: bool, otherwise: str) -> bool:
        """Keep the sentence unless it holds; returns whether it does."""
        if not holds:
            self.unmet.append(otherwise)
        return holds

    def check_recording(self, recording: Recording, spike: str) -> None:
        """One execution that succeeded, one flow log that came and went, one e-mail."""
        self._check_execution(recording)
        self._check_flow_logs(recording)
        self._check_email(recording, _ENDINGS[spike])

    def _check_execution(self, recording: Recording) -> None:
        name = recording.site.name
        executions, states = len(recording.executions), len(recording.states)
        self.check(executions == 1, f"{name}: {executions} executions started, not one.")
        succeeded = recording.end == "ExecutionSucceeded"
        ended = f"{recording.end} {recording.error}" if recording.is_over else "it is not over"
        self.check(succeeded, f"{name}: the execution did not succeed: {ended}.")
        self.check(0 < states <= MOST_STATES, f"{name}: {states} states, not 1 to {MOST_STATES}.")

    def _check_flow_logs(self, recording: Recording) -> None:
        site, created = recording.site, list(recording.flow_logs)
        self.check(len(created) == 1, f"{site.name}: {len(created)} flow logs were seen, not one.")
        deleted = recording.deleted == created
        self.check(deleted, f"{site.name}: of {created}, {recording.deleted} were deleted.")
        self.check(recording.records > 0, f"{site.name}: no records were delivered.")
        for flow_log in recording.flow_logs.values():
            resource = flow_log["ResourceId"]
            its_own = resource == site.gateway.interface_id
            self.check(its_own, f"{site.name}: the flow log is on {resource}, not on its own.")
            self._check_tags(recording, flow_log["Tags"])

    def _check_tags(self, recording: Recording, tags: list[dict[str, Any]]) -> None:
        found = {tag["Key"]: tag["Value"] for tag in tags}
        expected = {
            "stack": [RECORDER],
            "gateway": [recording.site.gateway.id],
            "execution": recording.executions,
        }
        for key, values in expected.items():
            value = found.get(TAG_PREFIX + key)
            sentence = f"{recording.site.name}: the tag {key} of the flow log is {value}."
            self.check(value in values, sentence)

    def _check_email(self, recording: Recording, ending: str) -> None:
        site, emails = recording.site, len(recording.emails)
        if not self.check(emails == 1, f"{site.name}: {emails} e-mails came, not one."):
            return
        email = recording.emails[0]
        address, subject, body = email["to"], email["subject"], email["body"]
        self.check(address == EMAIL_ADDRESS, f"{site.name}: the e-mail went to {address}.")
        tells = site.gateway.id in subject and site.culprit.name in subject
        self.check(tells, f"{site.name}: the subject does not say who and where: {subject}.")
        text = " ".join(body.split())
        self.check(ending in text, f"{site.name}: the e-mail does not say '{ending}'.")
        self._check_culprit(site, body)
        for flow_log in recording.flow_logs:
            self.check(flow_log in body, f"{site.name}: the e-mail does not name {flow_log}.")

    def _check_culprit(self, site: Site, body: str) -> None:
        """Whoever caused the spike is named, in the first lines."""
        answer = "\n".join(body.splitlines()[:_LINES_OF_ANSWER])
        for name in (site.culprit.name, "S3"):
            self.check(name in answer, f"{site.name}: the e-mail does not begin with {name}.")

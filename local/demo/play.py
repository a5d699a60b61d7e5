"""The acts of the demo: set the scene, let the traffic spike, read what it left, clean up."""

from __future__ import annotations

import logging
from importlib.metadata import version

from local.demo import aftermath, scene
from local.demo.expectations import Expectations
from local.demo.forwarding import Forwarding
from local.demo.scene import MACROS, RECORDER, Site
from local.demo.story import Recording, Story
from local.demo.terminal import Terminal
from local.demo.watch import Watch
from local.local_aws import LocalAws

# How long all recordings together may take from the alarm to the e-mail, in seconds, on a machine
# that is busy.
LONGEST = 120
# As many deliveries of records are awaited before a spike that ends does so.
DELIVERIES_OF_SPIKE = 3


def play(
    aws: LocalAws, terminal: Terminal, gateways: int, spike: str, sinks: tuple[str, ...] = ()
) -> Expectations:
    """All acts, with a spike that `ends` or one that does not (`timeout`).

    With `sinks`, the forwarders' stack sends the recordings to them.
    """
    # The SAM translator warns of metrics that it does not send.
    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    expectations = Expectations()
    sites = _set_the_scene(aws, terminal, gateways, spike, bool(sinks))
    forwarding = Forwarding(aws, terminal, expectations, sinks) if sinks else None
    if forwarding:
        with forwarding.listening():
            return _play_on(aws, terminal, spike, sites, expectations, forwarding)
    return _play_on(aws, terminal, spike, sites, expectations, None)


def _play_on(
    aws: LocalAws,
    terminal: Terminal,
    spike: str,
    sites: list[Site],
    expectations: Expectations,
    forwarding: Forwarding | None,
) -> Expectations:
    """The acts once the recorder is deployed."""
    if forwarding:
        with terminal.waiting("Deploying the forwarders"):
            forwarding.deploy(sites)
    scene.set_traffic(aws, terminal, sites)
    recordings = _record(aws, terminal, sites, spike)
    for recording in recordings:
        expectations.check_recording(recording, spike)
    after = aftermath.Aftermath(aws, terminal, expectations, recordings)
    after.show_emails()
    after.show_records()
    after.write_pages()
    after.check_dead_letters()
    if forwarding:
        forwarding.show(*after.everything())
    _delete(aws, terminal, forwarding)
    after.show_what_is_left()
    return expectations


def _set_the_scene(
    aws: LocalAws, terminal: Terminal, gateways: int, spike: str, forwards: bool
) -> list[Site]:
    terminal.heading(
        "The network and the stacks, as the local AWS's APIs show them (times are UTC)"
    )
    emulator = f"moto {version('moto')} behind the front door {aws.url}"
    terminal.event("local AWS", f"{emulator}, account {aws.account_id}, {aws.region}")
    with terminal.waiting("Creating the network"):
        sites = scene.build(aws, terminal, gateways)
    with terminal.waiting("Deploying the macros"):
        scene.deploy_macros(aws, terminal)
    with terminal.waiting("Deploying the recorder through the macros and SAM"):
        scene.deploy_recorder(aws, terminal, sites, spike, forwards)
    return sites


def _record(aws: LocalAws, terminal: Terminal, sites: list[Site], spike: str) -> list[Recording]:
    terminal.heading(f"A spike that {'ends' if spike == 'ends' else 'does not end'}")
    story = Story(aws, terminal, sites)
    watch = Watch(aws)
    ongoing = list(sites) if spike == "ends" else []
    with terminal.waiting("Raising the alarm"):
        for site in sites:
            scene.raise_alarm(aws, site)
        for moment in watch.moments(LONGEST):
            story.tell(moment)
            terminal.now_waiting(_progress(story.recordings))
            _end_spikes(aws, story.recordings, ongoing)
            if all(recording.is_over for recording in story.recordings):
                break
    return story.recordings


def _end_spikes(aws: LocalAws, recordings: list[Recording], ongoing: list[Site]) -> None:
    """Clear the alarms of the ongoing spikes of which there are records enough."""
    for recording in recordings:
        if recording.site in ongoing and len(recording.deliveries) >= DELIVERIES_OF_SPIKE:
            ongoing.remove(recording.site)
            scene.clear_alarm(aws, recording.site)


def _progress(recordings: list[Recording]) -> str:
    """What each recording is at."""
    return " | ".join(
        f"{recording.site.name}: {recording.states[-1] if recording.states else 'alarm raised'}"
        for recording in recordings
        if not recording.is_over
    )


def _delete(aws: LocalAws, terminal: Terminal, forwarding: Forwarding | None) -> None:
    terminal.heading("All stacks are deleted" if forwarding else "Both stacks are deleted")
    if forwarding:
        with terminal.waiting("Deleting the forwarders"):
            forwarding.delete()
    for stack in (RECORDER, MACROS):
        with terminal.waiting(f"Deleting the stack {stack}"):
            aws.delete(stack)
        terminal.event(stack, "DeleteStack has succeeded")

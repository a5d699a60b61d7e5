"""The demo: a spike of NAT traffic recorded on the local AWS, told as it happens.

`__main__` reads the command line, `play` puts the acts in order, `scene` builds and removes what
they need, `watch` follows the journal and the executions, `story` tells what they say,
`expectations` keeps what went wrong, `aftermath` shows what a recording leaves (`records` reads the
records, `leftovers` what is still there), `forwarding` sends it to collectors, and
`terminal` writes.
"""

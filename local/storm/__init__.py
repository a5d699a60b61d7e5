"""`make storm`: hundreds of spikes while AWS fails, and whether what must hold still holds.

`plan` makes from a seed what happens, `weather` what fails; `run` lets it happen on the local AWS,
`progress` knows when all has settled, `evidence` reads what was left, `invariants` judge it.
"""

"""Speed, as ratios against peers in the same run: `openmic-explore benchmark transforms`, `... training`, `... store`."""

"""What the votes say: the scoreboard, by slices and labelers, and the battles behind each number."""

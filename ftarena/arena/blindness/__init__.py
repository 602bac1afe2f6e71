"""What would tell who wrote an answer: names, self-descriptions, debris of templates."""

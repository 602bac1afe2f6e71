"""What is asked and answered: prompts, their categories, who was trained on them, answers made ahead."""

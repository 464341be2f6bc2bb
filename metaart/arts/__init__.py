"""What is offered of every art: create, judge, evaluate."""

"""What tests share: folders of the project, models, repositories, and ways to run costcalc and other programs."""

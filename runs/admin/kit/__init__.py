"""What the pages of the console are made of; the apps beside `runs` use it too."""

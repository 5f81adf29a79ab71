"""What people are told by mail. The mail is stored in the transaction of its news, and links to the signed-in page."""

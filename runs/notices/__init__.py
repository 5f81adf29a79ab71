"""Mails to people. A mail is stored in the transaction that it reports on, and links to a page behind the sign-in."""

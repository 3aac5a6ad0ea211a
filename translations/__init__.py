"""The words of the pages in other languages, and what finds them in the sources."""

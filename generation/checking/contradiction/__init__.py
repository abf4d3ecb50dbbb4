"""What coverage cannot see: facts that differ in the aligned place, and a small head that reads both."""

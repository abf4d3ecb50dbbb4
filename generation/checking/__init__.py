"""Is a sentence supported by the passages?"""

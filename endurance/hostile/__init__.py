"""Thousands of hostile inputs of every class at our servers, with bystanders who lose nothing."""

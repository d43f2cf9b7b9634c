"""What a cohort's table and images say about its fitness for a study: one file a finding."""

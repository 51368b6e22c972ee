-- Quarters of an hour by the value of a dimension: the hours of the week of one country read its rows alone, where the primary
-- key would lead through those of all countries. A new row comes once a quarter of an hour and value, so writing costs little.
create index sums_quarter_hour_by_value on sums_quarter_hour_by (workspace_id, dimension, value, bucket);

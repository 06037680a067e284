-- `emit` has checked what it is given since it is there, so that there is nothing to do here.
SELECT 1;

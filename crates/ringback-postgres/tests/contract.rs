//! What every store promises the engine, kept by this one.

mod fresh;

use fresh::fresh;

ringback_testkit::store_contract!(fresh);

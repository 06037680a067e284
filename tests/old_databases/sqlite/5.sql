INSERT INTO ringback_request_key (row, created_at, object, binding, tenant, route, key, content) VALUES
(1, 1795921591437777, x'01a22544bc8d72749003d1ae9b53cd4b', '', 'old', 'endpoints', 'once', x'017b10a9f0df060e4aa2f0ffadd49af8cf8163f76268abeccf534aa00ca9ebb10f97967fda5016a58438806d00db8660f7743da422f1df98e48ad71b0b9c69be0585e8be7b00395cc25658cb9a1e82d1c1');

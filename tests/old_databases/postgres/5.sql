INSERT INTO ringback.request_key (created_at, object, binding, tenant, route, key, content) VALUES
	(1795921604659256, '01a22544-f031-70fa-9030-95f199bd58da', '', 'old', 'endpoints', 'once', '\x017b10a9f0df060e4af25f22e8cac6af844915167f928ad0d9ab9a9998800c59e275fe90b66eb61805842590b90b0f383573835dbc4a95f321440948174760a9c6d04c8be3e69a03a495e510bf60ace5f4');

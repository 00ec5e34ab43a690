-- SPDX-License-Identifier: GPL-3.0-or-later
-- A study of four trials, finished and judged, in a store of format 4.
BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0004');
CREATE TABLE blocks (
	study VARCHAR(100) NOT NULL, 
	number INTEGER NOT NULL, 
	winner INTEGER NOT NULL, 
	"order" VARCHAR(4) NOT NULL, 
	slot VARCHAR(255) NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	PRIMARY KEY (study, number), 
	FOREIGN KEY(study) REFERENCES studies (name)
);
INSERT INTO "blocks" VALUES('small',0,4,'BAAB','s1','complete');
CREATE TABLE controllers (
	study VARCHAR(100) NOT NULL, 
	id VARCHAR(300) NOT NULL, 
	host VARCHAR(255) NOT NULL, 
	pid INTEGER NOT NULL, 
	started VARCHAR(40), 
	begun_at VARCHAR(40) NOT NULL, 
	seen_at VARCHAR(40) NOT NULL, 
	lease_seconds FLOAT NOT NULL, 
	lease_until VARCHAR(40) NOT NULL, 
	stopping BOOLEAN NOT NULL, 
	ended_at VARCHAR(40), 
	PRIMARY KEY (study, id), 
	FOREIGN KEY(study) REFERENCES studies (name)
);
CREATE TABLE hypervisors (
	study VARCHAR(100) NOT NULL, 
	name VARCHAR(255) NOT NULL, 
	vcpus INTEGER, 
	memory_mib INTEGER, 
	other_vcpus INTEGER DEFAULT '0' NOT NULL, 
	other_memory_mib INTEGER DEFAULT '0' NOT NULL, 
	PRIMARY KEY (study, name), 
	FOREIGN KEY(study) REFERENCES studies (name)
);
CREATE TABLE measurements (
	id INTEGER NOT NULL, 
	study VARCHAR(100) NOT NULL, 
	trial INTEGER NOT NULL, 
	slot VARCHAR(255) NOT NULL, 
	purpose VARCHAR(20) NOT NULL, 
	block INTEGER, 
	position INTEGER, 
	status VARCHAR(20) NOT NULL, 
	metrics JSON, 
	runs JSON, 
	readback JSON, 
	tier VARCHAR(20), 
	failure_class VARCHAR(20), 
	message TEXT, 
	started_at VARCHAR(40) NOT NULL, 
	finished_at VARCHAR(40), revision INTEGER DEFAULT '0' NOT NULL, controller VARCHAR(300), apply_seconds FLOAT, 
	PRIMARY KEY (id), 
	FOREIGN KEY(study, trial) REFERENCES trials (study, number)
);
INSERT INTO "measurements" VALUES(1,'small',0,'s1','baseline',NULL,NULL,'measured','{"cpu_events_per_second": 778.8007830714049, "vm_cost": 44.0}','[{}]','{"vm.vcpus": 2, "vm.disk.cache": "writeback", "kernel.sysctl.vm.swappiness": 60, "vm.memory_mib": 1024}','none',NULL,NULL,'2026-11-22T14:47:24.768+00:00','2026-11-22T14:47:24.770+00:00',0,NULL,NULL);
INSERT INTO "measurements" VALUES(2,'small',0,'s2','baseline',NULL,NULL,'measured','{"cpu_events_per_second": 778.8007830714049, "vm_cost": 44.0}','[{}]','{"vm.vcpus": 2, "vm.disk.cache": "writeback", "kernel.sysctl.vm.swappiness": 60, "vm.memory_mib": 1024}','none',NULL,NULL,'2026-11-22T14:47:24.773+00:00','2026-11-22T14:47:24.775+00:00',0,NULL,NULL);
INSERT INTO "measurements" VALUES(3,'small',0,'s1','baseline',NULL,NULL,'measured','{"cpu_events_per_second": 778.8007830714049, "vm_cost": 44.0}','[{}]','{"vm.vcpus": 2, "vm.disk.cache": "writeback", "kernel.sysctl.vm.swappiness": 60, "vm.memory_mib": 1024}','none',NULL,NULL,'2026-11-22T14:47:24.776+00:00','2026-11-22T14:47:24.778+00:00',0,NULL,NULL);
INSERT INTO "measurements" VALUES(4,'small',0,'s2','baseline',NULL,NULL,'measured','{"cpu_events_per_second": 778.8007830714049, "vm_cost": 44.0}','[{}]','{"vm.vcpus": 2, "vm.disk.cache": "writeback", "kernel.sysctl.vm.swappiness": 60, "vm.memory_mib": 1024}','none',NULL,NULL,'2026-11-22T14:47:24.779+00:00','2026-11-22T14:47:24.781+00:00',0,NULL,NULL);
INSERT INTO "measurements" VALUES(5,'small',1,'s1','search',NULL,NULL,'measured','{"cpu_events_per_second": 820.7801406277248, "vm_cost": 64.0}','[{}]','{"vm.vcpus": 3, "vm.disk.cache": "none", "kernel.sysctl.vm.swappiness": 59, "vm.memory_mib": 1024}','none',NULL,NULL,'2026-11-22T14:47:24.808+00:00','2026-11-22T14:47:24.810+00:00',0,NULL,NULL);
INSERT INTO "measurements" VALUES(6,'small',2,'s2','search',NULL,NULL,'measured','{"cpu_events_per_second": 784.6637475787225, "vm_cost": 164.0}','[{}]','{"vm.vcpus": 8, "vm.disk.cache": "writeback", "kernel.sysctl.vm.swappiness": 17, "vm.memory_mib": 1024}','none',NULL,NULL,'2026-11-22T14:47:24.817+00:00','2026-11-22T14:47:24.819+00:00',0,NULL,NULL);
INSERT INTO "measurements" VALUES(7,'small',3,'s1','search',NULL,NULL,'measured','{"cpu_events_per_second": 706.4520139295633, "vm_cost": 124.0}','[{}]','{"vm.vcpus": 6, "vm.disk.cache": "none", "kernel.sysctl.vm.swappiness": 99, "vm.memory_mib": 1024}','none',NULL,NULL,'2026-11-22T14:47:24.823+00:00','2026-11-22T14:47:24.825+00:00',0,NULL,NULL);
INSERT INTO "measurements" VALUES(8,'small',4,'s2','search',NULL,NULL,'measured','{"cpu_events_per_second": 891.3661439068313, "vm_cost": 44.0}','[{}]','{"vm.vcpus": 2, "vm.disk.cache": "none", "kernel.sysctl.vm.swappiness": 6, "vm.memory_mib": 1024}','none',NULL,NULL,'2026-11-22T14:47:24.828+00:00','2026-11-22T14:47:24.830+00:00',0,NULL,NULL);
INSERT INTO "measurements" VALUES(9,'small',4,'s1','verification',0,0,'measured','{"cpu_events_per_second": 891.3661439068313, "vm_cost": 44.0}','[{}]','{"vm.vcpus": 2, "vm.disk.cache": "none", "kernel.sysctl.vm.swappiness": 6, "vm.memory_mib": 1024}','none',NULL,NULL,'2026-11-22T14:47:24.840+00:00','2026-11-22T14:47:24.842+00:00',0,NULL,NULL);
INSERT INTO "measurements" VALUES(10,'small',0,'s1','verification',0,1,'measured','{"cpu_events_per_second": 778.8007830714049, "vm_cost": 44.0}','[{}]','{"vm.vcpus": 2, "vm.disk.cache": "writeback", "kernel.sysctl.vm.swappiness": 60, "vm.memory_mib": 1024}','none',NULL,NULL,'2026-11-22T14:47:24.845+00:00','2026-11-22T14:47:24.846+00:00',0,NULL,NULL);
INSERT INTO "measurements" VALUES(11,'small',0,'s1','verification',0,2,'measured','{"cpu_events_per_second": 778.8007830714049, "vm_cost": 44.0}','[{}]','{"vm.vcpus": 2, "vm.disk.cache": "writeback", "kernel.sysctl.vm.swappiness": 60, "vm.memory_mib": 1024}','none',NULL,NULL,'2026-11-22T14:47:24.849+00:00','2026-11-22T14:47:24.850+00:00',0,NULL,NULL);
INSERT INTO "measurements" VALUES(12,'small',4,'s1','verification',0,3,'measured','{"cpu_events_per_second": 891.3661439068313, "vm_cost": 44.0}','[{}]','{"vm.vcpus": 2, "vm.disk.cache": "none", "kernel.sysctl.vm.swappiness": 6, "vm.memory_mib": 1024}','none',NULL,NULL,'2026-11-22T14:47:24.853+00:00','2026-11-22T14:47:24.855+00:00',0,NULL,NULL);
CREATE TABLE slots (
	study VARCHAR(100) NOT NULL, 
	host VARCHAR(255) NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	trouble INTEGER NOT NULL, 
	waiting BOOLEAN NOT NULL, 
	message TEXT, controller VARCHAR(300), hypervisor VARCHAR(255), applied JSON, probe_at VARCHAR(40), 
	PRIMARY KEY (study, host), 
	FOREIGN KEY(study) REFERENCES studies (name)
);
INSERT INTO "slots" VALUES('small','s1','ready',0,0,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "slots" VALUES('small','s2','ready',0,0,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE "studies" (
	name VARCHAR(100) NOT NULL, 
	definition JSON NOT NULL, 
	harvest JSON, 
	winner INTEGER, 
	verdict JSON, 
	stopped JSON, 
	learned JSON, 
	forked_from VARCHAR(100), 
	collection_version VARCHAR(40) NOT NULL, 
	created_at VARCHAR(40) NOT NULL, 
	revision INTEGER DEFAULT '0' NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "studies" VALUES('small','{"name": "small", "parameters": {"vm.vcpus": {"type": "int", "range": [1, 8]}, "vm.disk.cache": {"type": "choice", "values": ["none", "writeback"]}, "kernel.sysctl.vm.swappiness": {"type": "int", "range": [0, 100]}}, "constraints": ["vm.vcpus >= 2 or vm.disk.cache == ''none''"], "goals": [{"metric": "cpu_events_per_second", "direction": "maximize", "weight": 3}, {"metric": "vm_cost", "direction": "minimize"}], "benchmark": {"name": "sysbench", "tests": ["cpu"]}, "budget": {"trials": 4}, "prices": {"vcpu": 20.0, "memory_gib": 4.0}, "seed": 1, "algorithm": "textbook", "algorithm_options": {"population": 5, "elites": 1}, "baseline_repeats": 3, "verification": {"blocks": 1, "confidence": 0.95, "equivalence": 0.02}, "simulated": false}','{"vm.vcpus": 2, "vm.disk.cache": "writeback", "kernel.sysctl.vm.swappiness": 60}',4,'{"verdict": "better", "sentence": "Better: trial 4 beats the baseline; fitness +10.7 % [+10.7 %, +10.7 %] over the baseline, from 2 pairs of fresh runs in 1 random ABBA blocks.", "trial": 4, "pairs": 2, "blocks": 1, "confidence": 0.95, "fitness": {"estimate": 0.10124999999999984, "low": 0.1012499999910152, "high": 0.10125000000898449}, "metrics": {"cpu_events_per_second": {"baseline": 778.800783071, "winner": 891.366143907, "estimate": 0.1349999999999998, "low": 0.13499999999101514, "high": 0.13500000000898443}, "vm_cost": {"baseline": 44.0, "winner": 44.0, "estimate": 0.0, "low": -8.984643532093753e-12, "high": 8.984643532093753e-12}}}','{"by": "time", "sentence": "stopped after 2 h"}',NULL,NULL,'0.0.0','2026-11-22T14:47:24.757+00:00',0);
CREATE TABLE trials (
	study VARCHAR(100) NOT NULL, 
	number INTEGER NOT NULL, 
	configuration JSON NOT NULL, 
	origin VARCHAR(20) NOT NULL, 
	generation INTEGER NOT NULL, 
	parents JSON NOT NULL, 
	repeat_of INTEGER, 
	status VARCHAR(20) NOT NULL, 
	failure_class VARCHAR(20), 
	message TEXT, 
	created_at VARCHAR(40) NOT NULL, revision INTEGER DEFAULT '0' NOT NULL, 
	PRIMARY KEY (study, number), 
	FOREIGN KEY(study) REFERENCES studies (name)
);
INSERT INTO "trials" VALUES('small',0,'{"vm.vcpus": 2, "vm.disk.cache": "writeback", "kernel.sysctl.vm.swappiness": 60}','baseline',0,'[]',NULL,'measured',NULL,NULL,'2026-11-22T14:47:24.765+00:00',0);
INSERT INTO "trials" VALUES('small',1,'{"vm.vcpus": 3, "vm.disk.cache": "none", "kernel.sysctl.vm.swappiness": 59}','initial',0,'[]',NULL,'measured',NULL,NULL,'2026-11-22T14:47:24.806+00:00',0);
INSERT INTO "trials" VALUES('small',2,'{"vm.vcpus": 8, "vm.disk.cache": "writeback", "kernel.sysctl.vm.swappiness": 17}','initial',0,'[]',NULL,'measured',NULL,NULL,'2026-11-22T14:47:24.816+00:00',0);
INSERT INTO "trials" VALUES('small',3,'{"vm.vcpus": 6, "vm.disk.cache": "none", "kernel.sysctl.vm.swappiness": 99}','initial',0,'[]',NULL,'measured',NULL,NULL,'2026-11-22T14:47:24.822+00:00',0);
INSERT INTO "trials" VALUES('small',4,'{"vm.vcpus": 2, "vm.disk.cache": "none", "kernel.sysctl.vm.swappiness": 6}','initial',0,'[]',NULL,'measured',NULL,NULL,'2026-11-22T14:47:24.828+00:00',0);
CREATE INDEX measurements_of_trial ON measurements (study, trial);
CREATE INDEX trials_by_revision ON trials (study, revision);
CREATE INDEX measurements_by_revision ON measurements (study, revision);
COMMIT;
